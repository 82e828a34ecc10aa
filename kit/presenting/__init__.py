"""The presenter's day: check the machine, rehearse, receive visitors, reset, print signs."""
