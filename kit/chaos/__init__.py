"""Breaks things on purpose: faults injected into the real processes, and what the train did.

``proxy`` stands on a wire and makes it slow, narrow or dead. ``stage`` runs the services on the
virtual set with a hand on each wire and each process; ``faults`` and ``messages`` say what can
be broken and what is expected then; ``witness`` reads the virtual set's physics; ``trial``
tries one fault and judges it.
"""
