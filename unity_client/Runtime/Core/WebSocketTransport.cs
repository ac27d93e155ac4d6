using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Likeness
{
    /// <summary>
    /// The protocol over one WebSocket (System.Net.WebSockets, which works on every Unity platform but WebGL,
    /// IL2CPP included). Buffers are pooled.
    /// </summary>
    public sealed class WebSocketTransport : ITransport
    {
        private const int BufferBytes = 16 * 1024;
        private const int MaxMessage = 4 * 1024 * 1024;
        private const int MaxQueued = 256;
        private WebSocket _socket;
        private readonly CancellationTokenSource _end = new CancellationTokenSource();
        private readonly ConcurrentQueue<Incoming> _in = new ConcurrentQueue<Incoming>();
        private readonly ConcurrentQueue<Incoming> _out = new ConcurrentQueue<Incoming>();
        private readonly ConcurrentBag<byte[]> _pool = new ConcurrentBag<byte[]>();
        private readonly SemaphoreSlim _wake = new SemaphoreSlim(0);
        private readonly SemaphoreSlim _sent = new SemaphoreSlim(0);
        private readonly byte[] _pinned;
        private volatile string _failure;
        private volatile bool _closing;

        /// <param name="pinnedCertificate">SHA-256 of the only certificate (DER) that is trusted, as hex, with or without
        /// colons: for a server with a certificate of its own making. Empty: those of known authorities.</param>
        public WebSocketTransport(string pinnedCertificate = "")
        {
            if (!string.IsNullOrEmpty(pinnedCertificate)) _pinned = Fingerprint(pinnedCertificate);
        }

        /// <summary>The 32 bytes of a fingerprint in hex; throws <see cref="ArgumentException"/> for anything else.</summary>
        public static byte[] Fingerprint(string hex)
        {
            string digits = hex.Replace(":", "").Replace(" ", "");
            var bytes = new byte[32];
            bool good = digits.Length == 64;
            for (int i = 0; good && i < 32; i++)
                good = byte.TryParse(digits.Substring(2 * i, 2), System.Globalization.NumberStyles.AllowHexSpecifier,
                    System.Globalization.CultureInfo.InvariantCulture, out bytes[i]);
            if (!good) throw new ArgumentException("a certificate's SHA-256 has 64 hex digits, as `openssl x509 -fingerprint -sha256` prints it", "hex");
            return bytes;
        }

        public bool IsOpen { get { return _socket != null && _socket.State == WebSocketState.Open && _failure == null; } }
        public string Failure { get { return _failure; } }

        /// <summary>Connects; throws <see cref="IOException"/> with a sentence that a person can act on.</summary>
        public async Task OpenAsync(Uri address, CancellationToken cancel)
        {
            try
            {
                using (var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _end.Token))
                {
                    if (_pinned != null && address.Scheme == "wss") _socket = await PinnedWebSocket.ConnectAsync(address, _pinned, both.Token).ConfigureAwait(false);
                    else
                    {
                        var socket = new ClientWebSocket();
                        _socket = socket;
                        await socket.ConnectAsync(address, both.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                _failure = "the connection to " + address + " was given up after waiting too long";
                throw new IOException(_failure);
            }
            catch (Exception error)
            {
                _failure = Explain(address, error, _pinned != null);
                throw new IOException(_failure, error);
            }
            Start(ReceiveLoop);
            Start(SendLoop);
        }

        public void Send(string text)
        {
            _out.Enqueue(new Incoming { Text = text });
            _wake.Release();
        }

        public void Send(byte[] data, int count)
        {
            if (_out.Count >= MaxQueued) return;   // a fresh frame is better than a stale queued one
            byte[] copy = Rent(count);
            Buffer.BlockCopy(data, 0, copy, 0, count);
            _out.Enqueue(new Incoming { Data = copy, Count = count });
            _wake.Release();
        }

        public bool TryReceive(out Incoming message) { return _in.TryDequeue(out message); }

        public void Recycle(byte[] buffer) { if (buffer != null && buffer.Length == BufferBytes) _pool.Add(buffer); }

        /// <summary>
        /// Ends the connection at once for the caller; what was queued, a goodbye above all, has half a second to
        /// leave in the background.
        /// </summary>
        public void Dispose()
        {
            if (_closing) return;
            _closing = true;
            if (IsOpen)
            {
                _wake.Release();
                Start(EndLater);
            }
            else
            {
                _end.Cancel();
                if (_socket != null) _socket.Dispose();
            }
        }

        private async Task EndLater()
        {
            try { await _sent.WaitAsync(500).ConfigureAwait(false); }
            finally
            {
                _end.Cancel();
                _socket.Dispose();
            }
        }

        private static void Start(Func<Task> loop) { Task.Run(loop); }

        private async Task ReceiveLoop()
        {
            byte[] buffer = Rent(BufferBytes);
            try
            {
                int count = 0;
                while (!_end.IsCancellationRequested)
                {
                    if (count == buffer.Length)
                    {
                        if (count >= MaxMessage) throw new ProtocolException("a message is longer than " + MaxMessage + " bytes");
                        Array.Resize(ref buffer, count * 2);
                    }
                    WebSocketReceiveResult part = await _socket
                        .ReceiveAsync(new ArraySegment<byte>(buffer, count, buffer.Length - count), _end.Token)
                        .ConfigureAwait(false);
                    if (part.MessageType == WebSocketMessageType.Close)
                    {
                        _failure = string.IsNullOrEmpty(_socket.CloseStatusDescription)
                            ? "the server closed the connection" : _socket.CloseStatusDescription;
                        return;
                    }
                    count += part.Count;
                    if (!part.EndOfMessage) continue;
                    if (part.MessageType == WebSocketMessageType.Text)
                    {
                        _in.Enqueue(new Incoming { Text = Encoding.UTF8.GetString(buffer, 0, count) });
                    }
                    else
                    {
                        while (_in.Count > MaxQueued)   // nobody polls: keep the newest
                        {
                            Incoming stale;
                            if (!_in.TryPeek(out stale) || stale.Text != null || !_in.TryDequeue(out stale)) break;
                            Recycle(stale.Data);
                        }
                        _in.Enqueue(new Incoming { Data = buffer, Count = count });
                        buffer = Rent(BufferBytes);
                    }
                    count = 0;
                }
            }
            catch (Exception error)
            {
                if (_failure == null) _failure = _end.IsCancellationRequested ? "closed" : "the connection broke: " + error.Message;
            }
        }

        private async Task SendLoop()
        {
            try
            {
                while (!_end.IsCancellationRequested)
                {
                    await _wake.WaitAsync(_end.Token).ConfigureAwait(false);
                    Incoming next;
                    if (!_out.TryDequeue(out next))
                    {
                        if (!_closing) continue;
                        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", _end.Token).ConfigureAwait(false);
                        _sent.Release();
                        return;
                    }
                    if (next.Text != null)
                    {
                        byte[] bytes = Encoding.UTF8.GetBytes(next.Text);
                        await _socket.SendAsync(new ArraySegment<byte>(bytes), WebSocketMessageType.Text, true, _end.Token).ConfigureAwait(false);
                    }
                    else
                    {
                        await _socket.SendAsync(new ArraySegment<byte>(next.Data, 0, next.Count), WebSocketMessageType.Binary, true, _end.Token).ConfigureAwait(false);
                        Recycle(next.Data);
                    }
                }
            }
            catch (Exception error)
            {
                if (_failure == null) _failure = _end.IsCancellationRequested ? "closed" : "the connection broke: " + error.Message;
            }
        }

        private byte[] Rent(int count)
        {
            byte[] buffer;
            if (count <= BufferBytes) return _pool.TryTake(out buffer) ? buffer : new byte[BufferBytes];
            return new byte[count];
        }

        private static string Explain(Uri address, Exception error, bool pinned)
        {
            string all = "";
            for (Exception e = error; e != null; e = e.InnerException) all += " " + e.GetType().Name + " " + e.Message;
            if (all.IndexOf("TrustFailure", StringComparison.OrdinalIgnoreCase) >= 0
                || all.IndexOf("certificate", StringComparison.OrdinalIgnoreCase) >= 0
                || all.IndexOf("AuthenticationException", StringComparison.Ordinal) >= 0)
                return "the certificate of " + address.Host + (pinned
                    ? " is not the one that is pinned here: compare its fingerprint with the server's"
                    : " is not trusted here: use one from a known authority, install yours on this device, or pin its fingerprint");
            if (all.IndexOf("401", StringComparison.Ordinal) >= 0 || all.IndexOf("403", StringComparison.Ordinal) >= 0)
                return "the server at " + address.Host + " refused the token: ask for a new one";
            if (all.IndexOf("refused", StringComparison.OrdinalIgnoreCase) >= 0)
                return "no Likeness server answers at " + address.Host + ":" + address.Port + ": start it with `likeness serve`, or check the address";
            return "cannot connect to " + address + ":" + all;
        }
    }
}
