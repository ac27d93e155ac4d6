using System;
using System.Collections.Generic;
using Cysharp.Net.Http;
using Grpc.Core;
using Grpc.Net.Client;
using UnityEngine;

namespace Likeness.Rpc
{
    /// <summary>
    /// Channels of Grpc.Net.Client over Cysharp's YetAnotherHttpHandler, whose native HTTP/2 works on Quest with
    /// IL2CPP. Every channel that is still open is closed when the application quits, when play mode ends and
    /// before scripts are reloaded: a forgotten native handler hangs the editor.
    /// </summary>
    public static class GrpcChannels
    {
        private static readonly List<Channel> Open = new List<Channel>();
        private static bool _watching;

        /// <param name="server">http:// for a server on this machine or a trusted network, https:// elsewhere.</param>
        /// <param name="rootCertificates">PEM of an authority of your own; empty: the well-known ones.</param>
        public static IRpcChannel To(Uri server, string rootCertificates = "")
        {
            Watch();
            var handler = new YetAnotherHttpHandler { Http2Only = true };
            if (!string.IsNullOrEmpty(rootCertificates)) handler.RootCertificates = rootCertificates;
            GrpcChannel channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler });
            var made = new Channel(channel, handler);
            lock (Open) Open.Add(made);
            return made;
        }

        /// <summary>Closes every channel.</summary>
        public static void CloseAll()
        {
            Channel[] all;
            lock (Open) { all = Open.ToArray(); Open.Clear(); }
            foreach (Channel channel in all) channel.Dispose();
        }

        private static void Watch()
        {
            if (_watching) return;
            _watching = true;
            Application.quitting += CloseAll;
#if UNITY_EDITOR
            UnityEditor.AssemblyReloadEvents.beforeAssemblyReload += CloseAll;
            UnityEditor.EditorApplication.playModeStateChanged += change =>
            {
                if (change == UnityEditor.PlayModeStateChange.ExitingPlayMode) CloseAll();
            };
#endif
        }

        private sealed class Channel : IRpcChannel
        {
            private readonly GrpcChannel _channel;
            private readonly YetAnotherHttpHandler _handler;
            private int _disposed;

            internal Channel(GrpcChannel channel, YetAnotherHttpHandler handler)
            {
                _channel = channel;
                _handler = handler;
                Invoker = channel.CreateCallInvoker();
            }

            public CallInvoker Invoker { get; private set; }

            public void Dispose()
            {
                if (System.Threading.Interlocked.Exchange(ref _disposed, 1) != 0) return;
                lock (Open) Open.Remove(this);
                _channel.Dispose();
                _handler.Dispose();
            }
        }
    }
}
