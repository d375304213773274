// The page of the API: Swagger UI for one of two descriptions, chosen above it and
// kept in the address (/api/?document=beyond).
const DOCUMENTS = {
  contract: '/api/swagger.json?examples=true',
  beyond: '/api/ext/openapi.json',
};

const select = document.getElementById('document');

function show(description) {
  select.value = description;
  window.ui = SwaggerUIBundle({
    url: DOCUMENTS[description],
    dom_id: '#swagger-ui',
    deepLinking: false, // the address says which description is shown
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: false,
    validatorUrl: null, // would ask a server elsewhere
    syntaxHighlight: { activated: false }, // long answers stay quick
    onComplete: name,
  });
}

// Swagger UI leaves its filter without a name for those who cannot see it.
function name() {
  document.querySelector('.operation-filter-input')?.setAttribute('aria-label', 'Filter by tag or path');
}

select.addEventListener('change', () => {
  const address = new URL(location.href);
  address.searchParams.set('document', select.value);
  history.replaceState(null, '', address);
  show(select.value);
});

const wanted = new URLSearchParams(location.search).get('document');
show(Object.hasOwn(DOCUMENTS, wanted ?? '') ? wanted : 'contract');
