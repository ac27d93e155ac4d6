"""gRPC, WebRTC, WebSocket and HTTP: bytes in, bytes out."""
