"""For each task: what is compiled, and how the answers are judged. Named by the task's ``TaskSpec``."""
