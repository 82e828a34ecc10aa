"""The five services of the flow: capture, inference, decision, control and streaming.

Each is a thin loop that joins the rooms below, joined to the others by MQTT. A notebook
teaches and runs it; ``python -m kit.services NAME`` runs it with no notebook.
"""
