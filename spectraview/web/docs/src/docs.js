// The document of the API as pages. Nothing is fetched from elsewhere.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import 'swagger-ui-dist/swagger-ui.css';
import './docs.css';

SwaggerUI({
  domNode: document.getElementById('docs'),
  url: new URL('/api/openapi.json', location.href).href,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
  filter: true,
  persistAuthorization: false,
  showCommonExtensions: true,
  showExtensions: true,
  validatorUrl: null, // it would send the address of this page elsewhere
});
