"""What follows from the repository's home: buttons, and the address of the pages.

`.invalid` in the URL says that the home is not decided: then no page links to it. A home on GitHub
or GitLab is also the pages' address, which makes canonical links and Open Graph's addresses.
"""

import re


def pages_url(repository: str) -> str:
    """Where GitHub or GitLab serve a repository's pages; nothing for other hosts."""
    found = re.fullmatch(r"https://(github|gitlab)\.com/([\w.-]+)/([\w.-]+)", repository)
    if found is None:
        return ""
    host, owner, name = found.groups()
    root = f"https://{owner.lower()}.{host}.io/"
    return root if f"{root.removeprefix('https://')}" == f"{name.lower()}/" else f"{root}{name}/"


def set_addresses(app, config):
    """Canonical links and og:url; without a home, no theme option that would link to it."""
    options = config.html_theme_options
    url = options.get("repository_url", ".invalid")
    if ".invalid" not in url:
        config.html_baseurl = config.ogp_site_url = pages_url(url)
        return
    options["repository_url"] = ""
    options["launch_buttons"] = {}
    for button in ("use_repository_button", "use_issues_button", "use_edit_page_button"):
        options[button] = False


def setup(app):
    """Before the theme and Open Graph read their options."""
    app.connect("config-inited", set_addresses, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
