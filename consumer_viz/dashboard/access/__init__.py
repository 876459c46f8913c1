"""Who may use the pages: the token, the cookie, the CSRF token of forms, the headers of answers."""
