// Keys of the decision form on a case's own page.
"use strict";
onKeys((key) => pressVerdict(key, document) || pressTeam(key));
