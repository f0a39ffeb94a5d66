# Tells kc.sh where the database is: $url is postgres://user@host:port/database, without a password.
rest=${url#postgres://}
export KC_DB_URL=jdbc:postgresql://${rest#*@} KC_DB_USERNAME=${rest%%@*} KC_DB_PASSWORD=none
