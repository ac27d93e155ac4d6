"""Text in, FLAME frames and voice out, over gRPC: python examples/animate.py "Hello there." einstein"""

import sys
import wave

import grpc
import numpy as np

from likeness.performance.packet import decode_frame, split_frames
from likeness.v1 import likeness_pb2, likeness_pb2_grpc

text = sys.argv[1] if len(sys.argv) > 1 else "Imagination is more important than knowledge."
character = sys.argv[2] if len(sys.argv) > 2 else "einstein"
channel = grpc.insecure_channel("localhost:50051")
start = likeness_pb2.AnimateStart(character=character, text=text, return_voice=True)
requests = iter([likeness_pb2.AnimateRequest(start=start)])
scales, voice = np.zeros(0, np.float32), b""
for response in likeness_pb2_grpc.LikenessStub(channel).Animate(requests):
    match response.WhichOneof("body"):
        case "header":
            scales = np.array(response.header.scales, np.float32)
            print(response.header.tag.mark, "-", len(scales), "components")
        case "packets":
            for packet in split_frames(response.packets.frames):
                frame = decode_frame(packet, scales)[0].frame
                print(f"{frame.sample / 48000:7.3f} s  jaw {np.degrees(frame.jaw[0]):5.1f} degrees")
        case "voice":
            voice += response.voice.data
        case "end":
            print(response.end.frames, "frames, session", response.end.session)
with wave.open("voice.wav", "wb") as file:
    file.setparams((1, 2, 48000, 0, "NONE", ""))
    file.writeframes(voice)
