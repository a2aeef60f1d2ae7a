"""The processes of one service: workers, their IPC, memory and standard streams."""
