"use strict";
// Nothing is asked of other sites: the badge, which is, is off.
window.ui = SwaggerUIBundle({
    dom_id: "#page",
    url: "../schema/",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    queryConfigEnabled: false,
});
