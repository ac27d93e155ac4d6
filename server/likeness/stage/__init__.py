"""Rooms, sessions, scenes: many people and avatars on one clock."""

from likeness.stage.config import ServerConfig, load_config
from likeness.stage.outlet import ControlText, Outlet, VoicePacket
from likeness.stage.session import Session
from likeness.stage.stage import Stage

__all__ = ["ControlText", "Outlet", "ServerConfig", "Session", "Stage", "VoicePacket", "load_config"]
