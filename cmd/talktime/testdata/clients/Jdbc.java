import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Properties;

/**
 * JDBC: the way of Tableau's servers, DBeaver, Metabase. Java runs it from its source.
 *
 *   Jdbc.java columns      every column of bi_v1: view, name, type
 *   Jdbc.java rows QUERY   the rows, fields apart by tabs, NULL as \N
 */
class Jdbc {
    public static void main(String[] args) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", System.getenv("PGSSLMODE"));
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        properties.setProperty("readOnly", "true");
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            if (args[0].equals("columns")) {
                columns(connection);
            } else {
                rows(connection, args[1]);
            }
        }
    }

    private static void columns(Connection connection) throws SQLException {
        try (ResultSet columns = connection.getMetaData().getColumns(null, "bi_v1", null, null)) {
            while (columns.next()) {
                System.out.println(String.join("\t", columns.getString("TABLE_NAME"), columns.getString("COLUMN_NAME"), columns.getString("TYPE_NAME")));
            }
        }
    }

    private static void rows(Connection connection, String query) throws SQLException {
        try (ResultSet rows = connection.createStatement().executeQuery(query)) {
            int width = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                String[] fields = new String[width];
                for (int i = 0; i < width; i++) {
                    // Asked for text, the driver writes instants in the machine's zone.
                    boolean isInstant = rows.getMetaData().getColumnTypeName(i + 1).equals("timestamptz");
                    OffsetDateTime at = isInstant ? rows.getObject(i + 1, OffsetDateTime.class) : null;
                    Object value = at == null ? rows.getObject(i + 1) : at.toInstant();
                    fields[i] = value == null ? "\\N" : value.toString();
                }
                System.out.println(String.join("\t", fields));
            }
        }
    }
}
