"""The ZeroMQ bus between the processes: messages, sockets, and how they are delivered."""

from __future__ import annotations
