"""A TCP relay on loopback whose connections can be cut, as a network does it."""

import contextlib
import socket
import threading


class Relay:
    """Relays to `target`, host:port. While `refusing`, what connects is closed at once."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self.refusing = False
        self.accepted = 0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which close does not
        self._listener.close()
        self.cut()

    def cut(self):
        """Ends all connections."""
        while self._open:
            with contextlib.suppress(OSError), self._open.pop() as end:
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                if self.refusing:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
