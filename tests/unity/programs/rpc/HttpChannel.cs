// gRPC over System.Net.Http's HTTP/2 (.NET Core 3.1 or later), as little of it as the package's calls need: it
// stands in a test where Grpc.Net.Client and YetAnotherHttpHandler stand in Unity.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Likeness.Rpc;

public sealed class HttpChannel : IRpcChannel
{
    private readonly HttpClient _client;

    public HttpChannel(Uri server)
    {
        AppContext.SetSwitch("System.Net.Http.SocketsHttpHandler.Http2UnencryptedSupport", true);
        _client = new HttpClient { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        Invoker = new HttpInvoker(_client);
    }

    public CallInvoker Invoker { get; private set; }
    public void Dispose() { _client.Dispose(); }
}

internal sealed class HttpInvoker : CallInvoker
{
    private readonly HttpClient _client;
    internal HttpInvoker(HttpClient client) { _client = client; }

    public override AsyncDuplexStreamingCall<Q, A> AsyncDuplexStreamingCall<Q, A>(Method<Q, A> method, string host, CallOptions options)
    {
        var writer = new Writer<Q>(method.RequestMarshaller);
        var reader = new Reader<A>(method.ResponseMarshaller, Send(method.FullName, writer, options.CancellationToken));
        return new AsyncDuplexStreamingCall<Q, A>(writer, reader, () => { writer.CompleteAsync(); reader.Dispose(); });
    }

    public override AsyncUnaryCall<A> AsyncUnaryCall<Q, A>(Method<Q, A> method, string host, CallOptions options, Q request)
    {
        return new AsyncUnaryCall<A>(One(method, options, request));
    }

    private async Task<A> One<Q, A>(Method<Q, A> method, CallOptions options, Q request)
    {
        var writer = new Writer<Q>(method.RequestMarshaller);
        Task<HttpResponseMessage> answer = Send(method.FullName, writer, options.CancellationToken);
        await writer.WriteAsync(request);
        await writer.CompleteAsync();
        var reader = new Reader<A>(method.ResponseMarshaller, answer);
        if (!await reader.MoveNext(options.CancellationToken)) throw new RpcException(new Status(StatusCode.Internal, "no answer"), null);
        return reader.Current;
    }

    private async Task<HttpResponseMessage> Send<T>(string path, Writer<T> content, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Version = new Version(2, 0), Content = content };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        try { return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel); }
        catch (HttpRequestException error)
        {
            var failure = new RpcException(new Status(StatusCode.Unavailable, error.Message), null);
            content.Fail(failure);
            throw failure;
        }
    }

    private sealed class Writer<T> : HttpContent, IClientStreamWriter<T>
    {
        private readonly Marshaller<T> _marshaller;
        private readonly TaskCompletionSource<Stream> _stream = new TaskCompletionSource<Stream>();
        private readonly TaskCompletionSource<bool> _done = new TaskCompletionSource<bool>();

        internal Writer(Marshaller<T> marshaller)
        {
            _marshaller = marshaller;
            Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        }

        public async Task WriteAsync(T message)
        {
            byte[] body = _marshaller.Serializer(message);
            var framed = new byte[5 + body.Length];
            for (int i = 0; i < 4; i++) framed[1 + i] = (byte)(body.Length >> (24 - 8 * i));
            Buffer.BlockCopy(body, 0, framed, 5, body.Length);
            Stream stream = await _stream.Task;
            await stream.WriteAsync(framed, 0, framed.Length);
            await stream.FlushAsync();
        }

        internal void Fail(Exception error) { _stream.TrySetException(error); }

        public Task CompleteAsync() { _done.TrySetResult(true); return _done.Task; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext context)
        {
            await stream.FlushAsync();
            _stream.TrySetResult(stream);
            await _done.Task;
        }

        protected override bool TryComputeLength(out long length) { length = -1; return false; }
    }

    private sealed class Reader<T> : IAsyncStreamReader<T>
    {
        private readonly Marshaller<T> _marshaller;
        private readonly Task<HttpResponseMessage> _sent;
        private HttpResponseMessage _response;
        private Stream _stream;

        internal Reader(Marshaller<T> marshaller, Task<HttpResponseMessage> sent) { _marshaller = marshaller; _sent = sent; }

        public T Current { get; private set; }

        public async Task<bool> MoveNext(CancellationToken cancel)
        {
            if (_stream == null)
            {
                _response = await _sent;
                _stream = await _response.Content.ReadAsStreamAsync();
            }
            var head = new byte[5];
            if (!await Fill(head, cancel)) { Judge(); return false; }
            var body = new byte[head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4]];
            if (body.Length > 0 && !await Fill(body, cancel)) throw new RpcException(new Status(StatusCode.Internal, "cut in a message"), null);
            Current = _marshaller.Deserializer(body);
            return true;
        }

        internal void Dispose() { if (_response != null) _response.Dispose(); }

        private async Task<bool> Fill(byte[] into, CancellationToken cancel)
        {
            for (int have = 0; have < into.Length;)
            {
                int n = await _stream.ReadAsync(into, have, into.Length - have, cancel);
                if (n == 0) return false;
                have += n;
            }
            return true;
        }

        private void Judge()
        {
            int code = int.Parse(Value("grpc-status") ?? "2");
            if (code == 0) return;
            var trailers = new Metadata();
            string likeness = Value("likeness-code");
            if (likeness != null) trailers.Add("likeness-code", likeness);
            throw new RpcException(new Status((StatusCode)code, Uri.UnescapeDataString(Value("grpc-message") ?? "")), trailers);
        }

        /// <summary>From the trailers; an answer of trailers alone has them as its headers.</summary>
        private string Value(string name)
        {
            IEnumerable<string> values;
            if (_response.TrailingHeaders.TryGetValues(name, out values) || _response.Headers.TryGetValues(name, out values)) return values.First();
            return null;
        }
    }
}
