using System;
using System.IO;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Likeness
{
    /// <summary>
    /// A WebSocket to a server that is known by its certificate's SHA-256, and not by an authority. Mono's
    /// ClientWebSocket asks nobody about a certificate, so the connection is opened here: TCP, TLS, the upgrade of
    /// RFC 6455, and from there the runtime's own WebSocket.
    /// </summary>
    internal static class PinnedWebSocket
    {
        private const int MaxHead = 8192;
        private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

        internal static async Task<WebSocket> ConnectAsync(Uri address, byte[] pin, CancellationToken cancel)
        {
            var tcp = new TcpClient { NoDelay = true };
            try
            {
                using (cancel.Register(tcp.Close))
                {
                    await tcp.ConnectAsync(address.Host, address.Port).ConfigureAwait(false);
                    var tls = new SslStream(tcp.GetStream(), false, (sender, certificate, chain, errors) => Is(certificate, pin));
                    await tls.AuthenticateAsClientAsync(address.Host, null, SslProtocols.Tls12, false).ConfigureAwait(false);
                    string key = NewKey();
                    byte[] request = Encoding.ASCII.GetBytes("GET " + address.PathAndQuery + " HTTP/1.1\r\nHost: " + address.Authority
                        + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n\r\n");
                    await tls.WriteAsync(request, 0, request.Length, cancel).ConfigureAwait(false);
                    Check(await ReadHead(tls, cancel).ConfigureAwait(false), key);
                    return WebSocket.CreateFromStream(tls, false, null, KeepAlive);
                }
            }
            catch (Exception)
            {
                tcp.Close();
                cancel.ThrowIfCancellationRequested();
                throw;
            }
        }

        private static bool Is(X509Certificate certificate, byte[] pin)
        {
            if (certificate == null) return false;
            byte[] found;
            using (SHA256 sha = SHA256.Create()) found = sha.ComputeHash(certificate.GetRawCertData());
            for (int i = 0; i < found.Length; i++) if (found[i] != pin[i]) return false;
            return true;
        }

        private static string NewKey()
        {
            var bytes = new byte[16];
            using (RandomNumberGenerator random = RandomNumberGenerator.Create()) random.GetBytes(bytes);
            return Convert.ToBase64String(bytes);
        }

        /// <summary>The answer up to its empty line, byte by byte: what follows belongs to the WebSocket.</summary>
        private static async Task<string> ReadHead(Stream stream, CancellationToken cancel)
        {
            var head = new StringBuilder();
            var one = new byte[1];
            while (head.Length < MaxHead)
            {
                if (await stream.ReadAsync(one, 0, 1, cancel).ConfigureAwait(false) == 0) throw new IOException("the server closed the connection");
                head.Append((char)one[0]);
                int n = head.Length;
                if (n >= 4 && head[n - 1] == '\n' && head[n - 2] == '\r' && head[n - 3] == '\n') return head.ToString();
            }
            throw new IOException("the server's answer has no end");
        }

        private static void Check(string head, string key)
        {
            string[] lines = head.Split(new[] { "\r\n" }, StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length == 0 || !lines[0].Contains(" 101")) throw new IOException("the server answered " + (lines.Length > 0 ? lines[0] : "nothing"));
            string expected;
            using (SHA1 sha = SHA1.Create())
                expected = Convert.ToBase64String(sha.ComputeHash(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
            foreach (string line in lines)
            {
                int colon = line.IndexOf(':');
                if (colon < 0 || !line.Substring(0, colon).Trim().Equals("Sec-WebSocket-Accept", StringComparison.OrdinalIgnoreCase)) continue;
                if (line.Substring(colon + 1).Trim() == expected) return;
            }
            throw new IOException("the server is no WebSocket server");
        }
    }
}
