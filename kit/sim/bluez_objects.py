"""Objects with properties on a D-Bus, as a BlueZ daemon shows them.

Source: https://dbus.freedesktop.org/doc/dbus-specification.html#standard-interfaces
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.constants import ErrorType

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

Properties = dict[str, Variant]
"""Values of an interface's properties, by name."""


class ObjectTree:
    """Objects below ``/``: it answers who asks for them and tells what changes.

    Args:
        bus: The connected bus; its message handler must pass calls to :meth:`answer`.
    """

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._objects: dict[str, dict[str, Properties]] = {}

    def has(self, path: str | None, interface: str | None = None) -> bool:
        """Return whether there is such an object, with such an interface."""
        found = self._objects.get(path or "")
        return found is not None and (interface is None or interface in found)

    def value(self, path: str, interface: str, name: str) -> Any:
        """Return a property's value, or None if there is none."""
        found = self._objects.get(path, {}).get(interface, {}).get(name)
        return found.value if found is not None else None

    def add(self, path: str, interface: str, properties: Properties) -> None:
        """Show an object's interface to everyone."""
        self._objects.setdefault(path, {})[interface] = properties
        # BlueZ emits from the root, where its object manager is.
        body = [path, {interface: properties}]
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", body)

    def remove(self, path: str) -> None:
        """Take an object away, and first all below it."""
        below = [each for each in self._objects if each == path or each.startswith(f"{path}/")]
        for each in sorted(below, reverse=True):
            body = [each, list(self._objects.pop(each))]
            self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", body)

    def change(
        self,
        path: str,
        interface: str,
        changed: Mapping[str, Variant],
        *,
        invalidated: Collection[str] = (),
    ) -> None:
        """Change properties of an object and tell everyone, even if the values are the same.

        Args:
            path: The object; nothing happens if it is gone.
            interface: The properties' interface.
            changed: New values by name.
            invalidated: Names of properties that have no value any more.
        """
        if not self.has(path, interface):
            return
        properties = self._objects[path][interface]
        properties.update(changed)
        for name in invalidated:
            properties.pop(name, None)
        body = [interface, dict(changed), list(invalidated)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def answer(self, call: Message) -> Message | None:
        """Answer a call to the standard interfaces.

        Args:
            call: Any method call.

        Returns:
            The answer, or None if the call is for an interface of BlueZ's own.
        """
        if call.interface == OBJECT_MANAGER and call.member == "GetManagedObjects":
            return Message.new_method_return(call, "a{oa{sa{sv}}}", [self._objects])
        if call.interface != PROPERTIES:
            return None
        interface = call.body[0] if call.body else None
        if not self.has(call.path, interface):
            return Message.new_error(call, ErrorType.UNKNOWN_OBJECT, f"no object {call.path}")
        properties = self._objects[str(call.path)][str(interface)]
        if call.member == "GetAll":
            return Message.new_method_return(call, "a{sv}", [properties])
        if call.member == "Get" and call.body[1] in properties:
            return Message.new_method_return(call, "v", [properties[call.body[1]]])
        return Message.new_error(call, ErrorType.UNKNOWN_PROPERTY, f"cannot {call.member}")

    def _signal(self, path: str, interface: str, member: str, signature: str, body: Any) -> None:
        self._bus.send(Message.new_signal(path, interface, member, signature, body))
