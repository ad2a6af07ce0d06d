"""What Schemathesis is told of the documents that it does not know by itself."""

import schemathesis

# ChatKitty's spelling of RFC 7396's media type.
schemathesis.serializer.alias("application/json+merge-patch", "application/json")
