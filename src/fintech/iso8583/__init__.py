"""ISO 8583, the wire of terminals: tables of data elements, a codec, framing and a session. It does no I/O."""
