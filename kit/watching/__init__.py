"""What the model is unsure about, and whether the world has changed since it was made.

``doubt`` says which frames deserve a second look, ``likeness`` which of them look alike,
``harvest`` keeps them in a folder that does not grow, and ``drift`` compares what comes in now with
what came in before. Nothing here waits, sends or moves anything: ``kit.services.harvest`` does it
beside the live frames.
"""
