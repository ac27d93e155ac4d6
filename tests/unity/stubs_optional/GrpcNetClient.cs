// Signatures of Grpc.Net.Client and Cysharp's YetAnotherHttpHandler, for compiling only. Never shipped, never run.
namespace Grpc.Net.Client
{
    public sealed class GrpcChannelOptions { public System.Net.Http.HttpMessageHandler HttpHandler { get; set; } public bool DisposeHttpClient { get; set; } }
    public sealed class GrpcChannel : System.IDisposable
    {
        public static GrpcChannel ForAddress(System.Uri address, GrpcChannelOptions options) { return null; }
        public Grpc.Core.CallInvoker CreateCallInvoker() { return null; }
        public void Dispose() { }
    }
}

namespace Cysharp.Net.Http
{
    public class YetAnotherHttpHandler : System.Net.Http.HttpMessageHandler
    {
        public bool? Http2Only { get; set; }
        public string RootCertificates { get; set; }
        protected override System.Threading.Tasks.Task<System.Net.Http.HttpResponseMessage> SendAsync(System.Net.Http.HttpRequestMessage request, System.Threading.CancellationToken cancel) { return null; }
    }
}
