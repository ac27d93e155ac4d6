using System;
using System.Security.Cryptography;
using System.Threading.Tasks;
using UnityEngine.Networking;

namespace Likeness.Unity
{
    /// <summary>Fetches a model over HTTP, also from a server whose certificate is pinned, which glTFast cannot.</summary>
    internal static class ModelDownload
    {
        /// <summary>The file's bytes; throws with a sentence that a person can act on.</summary>
        internal static async Task<byte[]> Fetch(Uri address, string pinnedCertificate)
        {
            using (UnityWebRequest request = UnityWebRequest.Get(address))
            {
                if (pinnedCertificate != "" && address.Scheme == "https") request.certificateHandler = new Pinned(pinnedCertificate);
                var done = new TaskCompletionSource<bool>();
                request.SendWebRequest().completed += _ => done.TrySetResult(true);
                await done.Task;
                if (request.result == UnityWebRequest.Result.Success) return request.downloadHandler.data;
                throw new InvalidOperationException(request.responseCode == 404
                    ? "the server has no model at " + address.AbsolutePath
                    : "downloading " + address + " failed: " + request.error);
            }
        }

        private sealed class Pinned : CertificateHandler
        {
            private readonly byte[] _pin;
            internal Pinned(string pin) { _pin = WebSocketTransport.Fingerprint(pin); }

            protected override bool ValidateCertificate(byte[] certificateData)
            {
                byte[] found;
                using (SHA256 sha = SHA256.Create()) found = sha.ComputeHash(certificateData);
                for (int i = 0; i < found.Length; i++) if (found[i] != _pin[i]) return false;
                return true;
            }
        }
    }
}
