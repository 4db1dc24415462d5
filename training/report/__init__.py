"""The run's report: one page that somebody who looks at it understands in a minute."""
