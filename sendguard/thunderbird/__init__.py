"""What Thunderbird's profiles on this computer say of the ways mail leaves it."""
