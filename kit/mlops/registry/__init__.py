"""The registry: which models there are, who vouches for them, and which one the trains run.

A version is a model, a manifest that says what was measured, and a signature over the manifest.
Versions never change. A pointer names the promoted one; the gate decides who may get there.
"""
