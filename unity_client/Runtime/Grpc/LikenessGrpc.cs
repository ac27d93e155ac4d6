using System;
using Likeness.Unity;
using UnityEngine;

namespace Likeness.Rpc
{
    /// <summary>
    /// Put it beside a <see cref="LikenessClient"/>, and the session goes over gRPC instead of the WebSocket. The
    /// models still come over HTTP from the client's server.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness gRPC")]
    [RequireComponent(typeof(LikenessClient))]
    [DefaultExecutionOrder(-200)]
    [DisallowMultipleComponent]
    public sealed class LikenessGrpc : MonoBehaviour
    {
        [Tooltip("The server's gRPC address: `likeness serve` prints it. Empty: the client's host, port 50051.")]
        [SerializeField] private string address = "";
        [Tooltip("PEM of your own certificate authority; empty: the well-known ones.")]
        [TextArea(2, 6)] [SerializeField] private string rootCertificates = "";

        public string Address { get { return address; } set { address = value; } }

        private void Awake()
        {
            LikenessClient client = GetComponent<LikenessClient>();
            client.Transport = () =>
            {
                Uri server = AddressOf(address, client.ServerUrl);
                return new GrpcTransport(() => GrpcChannels.To(server, rootCertificates), server.Authority);
            };
        }

        private static Uri AddressOf(string own, string web)
        {
            if (own != "") return new Uri(own);
            return new UriBuilder(web) { Port = 50051, Path = "" }.Uri;
        }
    }
}
