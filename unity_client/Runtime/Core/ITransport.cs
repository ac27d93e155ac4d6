using System;
using System.Threading;
using System.Threading.Tasks;

namespace Likeness
{
    /// <summary>
    /// One message that came in: proto3 JSON text, a message already read (as <see cref="ServerMessages.Read"/>
    /// gives it), or the first Count bytes of a pooled buffer.
    /// </summary>
    public struct Incoming
    {
        public string Text;
        public object Message;
        public byte[] Data;
        public int Count;
    }

    /// <summary>A connection that carries text (control) and binary (motion, voice) messages.</summary>
    public interface ITransport : IDisposable
    {
        bool IsOpen { get; }
        /// <summary>Why the connection ended, in words; null while it has not.</summary>
        string Failure { get; }
        Task OpenAsync(Uri address, CancellationToken cancel);
        /// <summary>Queues a message. Never blocks; drops binary messages when the line is full.</summary>
        void Send(string text);
        void Send(byte[] data, int count);
        /// <summary>The next message, if any. Give <see cref="Incoming.Data"/> back with <see cref="Recycle"/>.</summary>
        bool TryReceive(out Incoming message);
        void Recycle(byte[] buffer);
    }
}
