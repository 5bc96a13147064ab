"""What GitLab Rails, language servers and CI agents call."""
