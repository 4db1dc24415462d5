"""What is right, what is wrong and how to mend it, before the show: `run_live.py --doctor`."""
