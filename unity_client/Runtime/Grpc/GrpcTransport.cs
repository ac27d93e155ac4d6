using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Proto = Likeness.V1;

namespace Likeness.Rpc
{
    /// <summary>A gRPC channel to a server, and what closes it.</summary>
    public interface IRpcChannel : IDisposable
    {
        CallInvoker Invoker { get; }
    }

    /// <summary>
    /// The protocol over one gRPC Join call: the same messages as on the WebSocket, in their binary form. The
    /// channel lives as long as the transport.
    /// </summary>
    public sealed class GrpcTransport : ITransport
    {
        private const int BufferBytes = 16 * 1024;
        private const int MaxQueued = 256;
        private readonly Func<IRpcChannel> _connect;
        private readonly string _where;
        private readonly CancellationTokenSource _end = new CancellationTokenSource();
        private readonly ConcurrentQueue<Incoming> _in = new ConcurrentQueue<Incoming>();
        private readonly ConcurrentQueue<Proto.ClientMessage> _out = new ConcurrentQueue<Proto.ClientMessage>();
        private readonly ConcurrentBag<byte[]> _pool = new ConcurrentBag<byte[]>();
        private readonly SemaphoreSlim _wake = new SemaphoreSlim(0), _sent = new SemaphoreSlim(0);
        private IRpcChannel _channel;
        private AsyncDuplexStreamingCall<Proto.ClientMessage, Proto.ServerMessage> _call;
        private volatile string _failure;
        private volatile bool _open, _closing;

        /// <param name="connect">Makes a channel.</param>
        /// <param name="where">The server's gRPC address, for words.</param>
        public GrpcTransport(Func<IRpcChannel> connect, string where)
        {
            _connect = connect;
            _where = where;
        }

        public bool IsOpen { get { return _open && _failure == null; } }
        public string Failure { get { return _failure; } }

        /// <summary>Starts the call. The session's own address, that of the WebSocket, is not used.</summary>
        public Task OpenAsync(Uri address, CancellationToken cancel)
        {
            _channel = _connect();
            _call = new LikenessService(_channel.Invoker).Join(new CallOptions(cancellationToken: _end.Token));
            _open = true;
            Task.Run(ReceiveLoop);
            Task.Run(SendLoop);
            return Task.FromResult(true);
        }

        public void Send(string text)
        {
            Proto.ClientMessage message = RpcMessages.ToProto(text);
            if (message != null) Queue(message);
        }

        public void Send(byte[] data, int count)
        {
            if (count == 0 || _out.Count >= MaxQueued) return;   // a fresh frame is better than a stale queued one
            Queue(RpcMessages.ToProto(data, count));
        }

        public bool TryReceive(out Incoming message) { return _in.TryDequeue(out message); }

        public void Recycle(byte[] buffer) { if (buffer != null && buffer.Length == BufferBytes) _pool.Add(buffer); }

        /// <summary>Ends the call; what was queued, a goodbye above all, has half a second to leave.</summary>
        public void Dispose()
        {
            if (_closing) return;
            _closing = true;
            _wake.Release();
            Task.Run(EndLater);
        }

        private async Task EndLater()
        {
            try { if (_open && _failure == null) await _sent.WaitAsync(500).ConfigureAwait(false); }
            finally
            {
                _end.Cancel();
                if (_call != null) _call.Dispose();
                if (_channel != null) _channel.Dispose();
            }
        }

        private void Queue(Proto.ClientMessage message)
        {
            _out.Enqueue(message);
            _wake.Release();
        }

        private async Task SendLoop()
        {
            try
            {
                while (!_end.IsCancellationRequested)
                {
                    await _wake.WaitAsync(_end.Token).ConfigureAwait(false);
                    Proto.ClientMessage next;
                    if (_out.TryDequeue(out next)) await _call.RequestStream.WriteAsync(next).ConfigureAwait(false);
                    else if (_closing)
                    {
                        await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
                        _sent.Release();
                        return;
                    }
                }
            }
            catch (Exception error)
            {
                // The receiving half knows better why a call ended; it is given the time to say so.
                await Task.Delay(200).ConfigureAwait(false);
                Fail(error);
            }
        }

        private async Task ReceiveLoop()
        {
            try
            {
                while (await _call.ResponseStream.MoveNext(_end.Token).ConfigureAwait(false)) Take(_call.ResponseStream.Current);
                if (_failure == null) _failure = "the server closed the connection";
            }
            catch (Exception error) { Fail(error); }
        }

        private void Take(Proto.ServerMessage message)
        {
            switch (message.BodyCase)
            {
                case Proto.ServerMessage.BodyOneofCase.Motion:
                    Google.Protobuf.ByteString motion = message.Motion;
                    byte[] frames = Rent(motion.Length);
                    motion.CopyTo(frames, 0);
                    Enqueue(frames, motion.Length);
                    return;
                case Proto.ServerMessage.BodyOneofCase.Voice:
                    Proto.VoiceChunk voice = message.Voice;
                    int size = ClientPackets.VoiceHeadBytes + voice.Data.Length;
                    byte[] sound = Rent(size);
                    ClientPackets.VoiceHead(sound, (byte)(int)voice.Codec, (ushort)voice.Avatar, (long)voice.Sample);
                    voice.Data.CopyTo(sound, ClientPackets.VoiceHeadBytes);
                    Enqueue(sound, size);
                    return;
                case Proto.ServerMessage.BodyOneofCase.Pong:
                    byte[] pong = Rent(ClientPackets.PongBytes);
                    Enqueue(pong, ClientPackets.Pong(pong, message.Pong.Nonce, message.Pong.ClientTimeMs, message.Pong.ServerTimeMs));
                    return;
            }
            object read = RpcMessages.FromProto(message);
            if (read != null) _in.Enqueue(new Incoming { Message = read });
        }

        private void Enqueue(byte[] data, int count)
        {
            while (_in.Count > MaxQueued)   // nobody polls: keep the newest
            {
                Incoming stale;
                if (!_in.TryPeek(out stale) || stale.Data == null || !_in.TryDequeue(out stale)) break;
                Recycle(stale.Data);
            }
            _in.Enqueue(new Incoming { Data = data, Count = count });
        }

        private void Fail(Exception error)
        {
            if (_failure != null) return;
            if (_end.IsCancellationRequested || _closing) { _failure = "closed"; return; }
            var rpc = error as RpcException;
            if (rpc == null) { _failure = "the connection broke: " + error.Message; return; }
            string code = rpc.Trailers != null ? rpc.Trailers.GetValue("likeness-code") : null;
            if (!string.IsNullOrEmpty(code))
            {
                // The server's own refusal, in its words: no token, no such room, a wrong hello.
                _in.Enqueue(new Incoming { Message = new Notice { Level = NoticeLevel.Error, Code = code, Text = rpc.Status.Detail, Fatal = true } });
                return;
            }
            if (rpc.StatusCode == StatusCode.Unavailable)
                _failure = "no Likeness server answers gRPC at " + _where + ": start it with `likeness serve`, or check address, port and certificate (" + rpc.Status.Detail + ")";
            else _failure = "the connection broke: " + rpc.StatusCode + " " + rpc.Status.Detail;
        }

        private byte[] Rent(int count)
        {
            byte[] buffer;
            if (count > BufferBytes) return new byte[count];
            return _pool.TryTake(out buffer) ? buffer : new byte[BufferBytes];
        }
    }
}
