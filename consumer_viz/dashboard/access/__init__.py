"""Who may use the pages: the token, the cookie, the forms' CSRF token, the headers."""
