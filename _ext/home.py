"""No link to a home that is not decided: `.invalid` in the URL takes the buttons off."""


def without_home(app, config):
    """Remove the theme options that would link to the repository."""
    options = config.html_theme_options
    if ".invalid" not in options.get("repository_url", ".invalid"):
        return
    options["repository_url"] = ""
    options["launch_buttons"] = {}
    for button in ("use_repository_button", "use_issues_button", "use_edit_page_button"):
        options[button] = False


def setup(app):
    """Before the theme reads its options."""
    app.connect("config-inited", without_home, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
