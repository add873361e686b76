/** Starts the page. */

import Alpine from "../vendor/alpine.js";
import { createParser } from "../vendor/eventsource-parser.js";
import { browserEnvironment } from "./lib/environment.js";
import { registerComponents } from "./log-components.js";
import { definitionList } from "./page/definitions-page.js";
import { documentList, documentPage } from "./page/documents-page.js";
import { fillIncludes } from "./page/includes.js";
import { jobPage } from "./page/job-page.js";
import { jobPreview } from "./page/job-preview.js";
import { jobList } from "./page/jobs-page.js";
import { listenToKeys } from "./page/keys.js";
import { closeMenus } from "./page/menus.js";
import { commandPalette } from "./page/palette.js";
import { servicePanel } from "./page/service-panel.js";
import { servicePage } from "./page/service-page.js";
import { quaeroPage } from "./page/shell.js";
import { startForm } from "./page/start-form.js";
import { workerList } from "./page/workers-page.js";

const COMPONENTS = {
  quaeroPage, jobList, jobPreview, jobPage, definitionList, documentList, documentPage, startForm, commandPalette,
  servicePage, servicePanel, workerList,
};

browserEnvironment(createParser).hub(); // its worker starts while the page is made
fillIncludes(document);
registerComponents(Alpine);
for (const [name, component] of Object.entries(COMPONENTS)) Alpine.data(name, component);
Alpine.start();
listenToKeys();
closeMenus();
