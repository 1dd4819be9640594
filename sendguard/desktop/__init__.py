"""Everything Qt: the question, the tray, the window. Knows the guard, the policy and the wording, and no adapter."""
