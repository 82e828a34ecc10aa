"""LEGO Wireless Protocol 3.0 for a City hub, as pure bytes.

Specification: https://lego.github.io/lego-ble-wireless-protocol-docs/

A message begins with its length (one byte, or two from 128 bytes on), the hub's id (always 0)
and its type; numbers are little-endian. :mod:`kit.train.lwp3.enums` names the numbers;
:mod:`~kit.train.lwp3.hub_messages`, :mod:`~kit.train.lwp3.port_messages`,
:mod:`~kit.train.lwp3.combined_messages` and :mod:`~kit.train.lwp3.output_messages` hold one frozen
dataclass a message; :mod:`~kit.train.lwp3.values` reads what is packed inside of them;
:mod:`~kit.train.lwp3.codec` turns them into bytes and back, and
:mod:`~kit.train.lwp3.commands` builds the messages that a train needs.
"""
