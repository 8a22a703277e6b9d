#!/bin/sh
# Run a program for i686 without an emulator, on an x86-64 kernel that takes 32-bit programs:
# its libraries are those that came with the cross compiler.
libraries=/usr/i686-linux-gnu/lib
exec "$libraries/ld-linux.so.2" --library-path "$libraries" "$@"
