// The part of Grpc.Core.Api that the package uses. Types of values are whole, so that a real transport can be
// put behind CallInvoker in a test; nothing of it is shipped.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Grpc.Core
{
    public enum MethodType { Unary, ClientStreaming, ServerStreaming, DuplexStreaming }

    public sealed class Marshaller<T>
    {
        public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer) { Serializer = serializer; Deserializer = deserializer; }
        public Func<T, byte[]> Serializer { get; private set; }
        public Func<byte[], T> Deserializer { get; private set; }
    }

    public static class Marshallers
    {
        public static Marshaller<T> Create<T>(Func<T, byte[]> serializer, Func<byte[], T> deserializer) { return new Marshaller<T>(serializer, deserializer); }
    }

    public sealed class Method<TRequest, TResponse>
    {
        public Method(MethodType type, string service, string name, Marshaller<TRequest> request, Marshaller<TResponse> response)
        {
            FullName = "/" + service + "/" + name; RequestMarshaller = request; ResponseMarshaller = response;
        }
        public string FullName { get; private set; }
        public Marshaller<TRequest> RequestMarshaller { get; private set; }
        public Marshaller<TResponse> ResponseMarshaller { get; private set; }
    }

    public struct CallOptions
    {
        public CallOptions(Metadata headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default(CancellationToken)) { CancellationToken = cancellationToken; }
        public CancellationToken CancellationToken { get; private set; }
    }

    public interface IAsyncStreamReader<T> { T Current { get; } Task<bool> MoveNext(CancellationToken cancel); }
    public interface IClientStreamWriter<T> { Task WriteAsync(T message); Task CompleteAsync(); }

    public sealed class AsyncDuplexStreamingCall<TRequest, TResponse> : IDisposable
    {
        private readonly Action _dispose;
        public AsyncDuplexStreamingCall(IClientStreamWriter<TRequest> requests, IAsyncStreamReader<TResponse> responses, Action dispose)
        {
            RequestStream = requests; ResponseStream = responses; _dispose = dispose;
        }
        public IClientStreamWriter<TRequest> RequestStream { get; private set; }
        public IAsyncStreamReader<TResponse> ResponseStream { get; private set; }
        public void Dispose() { _dispose(); }
    }

    public sealed class AsyncUnaryCall<TResponse> : IDisposable
    {
        public AsyncUnaryCall(Task<TResponse> response) { ResponseAsync = response; }
        public Task<TResponse> ResponseAsync { get; private set; }
        public void Dispose() { }
    }

    public abstract class CallInvoker
    {
        public abstract AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string host, CallOptions options)
            where TRequest : class where TResponse : class;
        public abstract AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string host, CallOptions options, TRequest request)
            where TRequest : class where TResponse : class;
    }

    public sealed class Metadata
    {
        private readonly Dictionary<string, string> _entries = new Dictionary<string, string>();
        public void Add(string key, string value) { _entries[key] = value; }
        public string GetValue(string key) { string v; return _entries.TryGetValue(key, out v) ? v : null; }
    }

    public enum StatusCode
    {
        OK = 0, Cancelled = 1, Unknown = 2, InvalidArgument = 3, DeadlineExceeded = 4, NotFound = 5, AlreadyExists = 6,
        PermissionDenied = 7, Unauthenticated = 16, ResourceExhausted = 8, FailedPrecondition = 9, Aborted = 10,
        OutOfRange = 11, Unimplemented = 12, Internal = 13, Unavailable = 14, DataLoss = 15,
    }

    public struct Status
    {
        public Status(StatusCode code, string detail) { StatusCode = code; Detail = detail; }
        public StatusCode StatusCode { get; private set; }
        public string Detail { get; private set; }
    }

    public class RpcException : Exception
    {
        public RpcException(Status status, Metadata trailers) : base(status.StatusCode + ": " + status.Detail) { Status = status; Trailers = trailers; }
        public Status Status { get; private set; }
        public StatusCode StatusCode { get { return Status.StatusCode; } }
        public Metadata Trailers { get; private set; }
    }
}
