#!/bin/sh
# Prepares what a read-only container cannot have from its image, then becomes the command.
set -eu

# Where displays have their sockets. Only root may make it later, and /tmp is often a mount that is empty at first.
[ -d /tmp/.X11-unix ] || mkdir -m 1777 /tmp/.X11-unix

exec "$@"
