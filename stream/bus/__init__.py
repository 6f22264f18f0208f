"""ZeroMQ message bus between the processes: messages, sockets and delivery."""

from __future__ import annotations
