"""The playground's service: HTTP, processes, storage and sockets. It computes nothing; the engine does."""
