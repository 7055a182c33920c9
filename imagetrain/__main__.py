"""``python -m imagetrain``, so that torchrun can start it."""

from imagetrain.cli.app import main

main()
