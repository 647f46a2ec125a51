// finish() ends it.
/* So does
   finish. */
void Server::accept() { answer("finish"); }
