"""The figures of the chapter across papers."""
