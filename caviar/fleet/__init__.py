"""The trainers: on Ray, in processes of this machine, or in this process."""
