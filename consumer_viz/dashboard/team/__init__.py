"""Work in a team: who looks at a case, whose it is, until when it rests, what was escalated."""
