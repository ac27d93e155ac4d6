using Google.Protobuf;
using Grpc.Core;
using Likeness.V1;

namespace Likeness.Rpc
{
    /// <summary>The calls of the service in protos/likeness/v1/likeness.proto, over any gRPC channel.</summary>
    public sealed class LikenessService
    {
        private const string Service = "likeness.v1.Likeness";

        private static readonly Method<ClientMessage, ServerMessage> JoinMethod = new Method<ClientMessage, ServerMessage>(
            MethodType.DuplexStreaming, Service, "Join", Marshaller(ClientMessage.Parser), Marshaller(ServerMessage.Parser));
        private static readonly Method<AnimateRequest, AnimateResponse> AnimateMethod = new Method<AnimateRequest, AnimateResponse>(
            MethodType.DuplexStreaming, Service, "Animate", Marshaller(AnimateRequest.Parser), Marshaller(AnimateResponse.Parser));
        private static readonly Method<ListCharactersRequest, ListCharactersResponse> ListMethod =
            new Method<ListCharactersRequest, ListCharactersResponse>(MethodType.Unary, Service, "ListCharacters",
                Marshaller(ListCharactersRequest.Parser), Marshaller(ListCharactersResponse.Parser));

        private readonly CallInvoker _invoker;

        public LikenessService(CallInvoker invoker) { _invoker = invoker; }

        /// <summary>Take part in a room. The first message is Hello.</summary>
        public AsyncDuplexStreamingCall<ClientMessage, ServerMessage> Join(CallOptions options)
        {
            return _invoker.AsyncDuplexStreamingCall(JoinMethod, null, options);
        }

        /// <summary>Speech in, face out. The first message is AnimateStart.</summary>
        public AsyncDuplexStreamingCall<AnimateRequest, AnimateResponse> Animate(CallOptions options)
        {
            return _invoker.AsyncDuplexStreamingCall(AnimateMethod, null, options);
        }

        public AsyncUnaryCall<ListCharactersResponse> ListCharacters(CallOptions options)
        {
            return _invoker.AsyncUnaryCall(ListMethod, null, options, new ListCharactersRequest());
        }

        private static Marshaller<T> Marshaller<T>(MessageParser<T> parser) where T : class, IMessage<T>
        {
            return Marshallers.Create(message => message.ToByteArray(), bytes => parser.ParseFrom(bytes));
        }
    }
}
