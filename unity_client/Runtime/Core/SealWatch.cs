using System;
using System.Threading;

namespace Likeness
{
    /// <summary>
    /// Checks the seals of a session's streams on a thread of its own, so that a signature never costs a picture.
    /// The thread that polls hands over digests and seals; nothing is allocated for a frame. When the checker
    /// falls far behind, frames are left out: they count as lost, never as wrong.
    /// </summary>
    internal sealed class SealWatch : IDisposable
    {
        private const int Room = 4096;
        private struct Job { public SealChain Chain; public Seal Seal; public uint Sequence; public ulong Digest; }

        private readonly Job[] _jobs = new Job[Room];
        private readonly object _gate = new object();
        private readonly FrameDigest _digest = new FrameDigest();
        private readonly Thread _thread;
        private int _first, _count;
        private bool _end;

        internal SealWatch()
        {
            _thread = new Thread(Work) { IsBackground = true, Name = "Likeness seals" };
            _thread.Start();
        }

        internal void Frame(SealChain chain, byte[] data, int offset, int size)
        {
            Put(new Job { Chain = chain, Sequence = Wire.ReadU32(data, offset + 8), Digest = _digest.Of(data, offset, size) });
        }

        internal void Add(SealChain chain, Seal seal) { Put(new Job { Chain = chain, Seal = seal }); }

        public void Dispose()
        {
            lock (_gate) { _end = true; Monitor.Pulse(_gate); }
        }

        private void Put(Job job)
        {
            lock (_gate)
            {
                if (_count == Room || _end) return;
                _jobs[(_first + _count++) % Room] = job;
                if (_count == 1 || job.Seal != null) Monitor.Pulse(_gate);
            }
        }

        private void Work()
        {
            while (true)
            {
                Job job;
                lock (_gate)
                {
                    while (_count == 0 && !_end) Monitor.Wait(_gate);
                    if (_end) return;
                    job = _jobs[_first];
                    _jobs[_first] = default(Job);
                    _first = (_first + 1) % Room;
                    _count--;
                }
                if (job.Seal != null) job.Chain.Add(job.Seal); else job.Chain.Frame(job.Sequence, job.Digest);
            }
        }
    }
}
