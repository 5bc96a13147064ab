"""What both services need: one model call, from credential to usage."""
