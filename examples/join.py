"""Take part in a room over gRPC: python examples/join.py "Hello there." einstein"""

import sys
from queue import Queue

import grpc

from likeness.performance.packet import read_head, split_frames
from likeness.v1 import likeness_pb2_grpc
from likeness.v1.room_pb2 import Bye, ClientMessage, Hello, Say, SpeechState

text = sys.argv[1] if len(sys.argv) > 1 else "Imagination is more important than knowledge."
character = sys.argv[2] if len(sys.argv) > 2 else "einstein"
requests: Queue[ClientMessage] = Queue()
requests.put(ClientMessage(hello=Hello(character=character, want_voice=True)))
channel = grpc.insecure_channel("localhost:50051")
frames = voice = 0
for message in likeness_pb2_grpc.LikenessStub(channel).Join(iter(requests.get, None)):
    match message.WhichOneof("body"):
        case "welcome":
            print("in room", message.welcome.room, "as avatar", message.welcome.avatar)
            requests.put(ClientMessage(say=Say(text=text, id=1)))
        case "motion":
            frames += len(split_frames(message.motion))
            newest = read_head(message.motion).sample / 48000
        case "voice":
            voice += len(message.voice.data) // 2
        case "mark":
            print(message.mark.tag.mark)
        case "speech":
            print(SpeechState.Phase.Name(message.speech.phase), "at", message.speech.sample / 48000, "s")
            if message.speech.phase == SpeechState.FINISHED:
                print(frames, "frames,", voice / 48000, "s of voice, media clock at", newest, "s")
                requests.put(ClientMessage(bye=Bye(reason="done")))
        case "notice":
            print(message.notice.text)
